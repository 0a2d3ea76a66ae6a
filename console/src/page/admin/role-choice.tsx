import { useQuery } from '@apollo/client/react';
import { RolesDocument } from '../generated/operations.js';
import { useMe } from '../me.js';
import { Choice, Field } from '../parts/form.js';

/** A role to filter by: chosen where the roles may be read, written where not. */
export function RoleChoice() {
  const { can } = useMe();
  const { data } = useQuery(RolesDocument, { skip: !can('users:read') });
  if (!can('users:read')) return <Field label="Role" name="role" isOptional />;
  const roles = (data?.roles ?? []).map(({ name }) => [name, name] as const);
  return <Choice label="Role" name="role" options={[['', 'any'], ...roles]} />;
}

interface RoleChecksProps {
  readonly held: readonly string[];
  readonly legend: string;
}

export function RoleChecks({ held, legend }: RoleChecksProps) {
  const { data } = useQuery(RolesDocument);
  return (
    <fieldset>
      <legend>{legend}</legend>
      {(data?.roles ?? []).map(({ name, permissions }) => (
        <label key={name} className="check">
          <input type="checkbox" name="role" value={name} defaultChecked={held.includes(name)} />
          <span>
            {name} <span className="hint">{permissions.join(', ') || 'nothing besides the own account'}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
