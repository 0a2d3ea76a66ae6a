import { useQuery } from '@apollo/client/react';
import { RolesDocument, type RolesQuery } from '../generated/operations.js';
import { useMe } from '../me.js';
import { Choice, Field } from '../parts/form.js';
import { Failure, Loading } from '../parts/problem.js';

type Role = RolesQuery['roles'][number];

/** A role to filter by: chosen where the roles may be read, written where not, or where they do not come. */
export function RoleChoice() {
  const { can } = useMe();
  const { data, error } = useQuery(RolesDocument, { skip: !can('users:read') });
  if (!can('users:read') || error !== undefined) return <Field label="Role" name="role" isOptional />;
  const roles = (data?.roles ?? []).map(({ name }) => [name, name] as const);
  return <Choice label="Role" name="role" options={[['', 'any'], ...roles]} />;
}

/** `roles` once they are there; until then `instead` is what to show. A form without them would take all roles away. */
export function useRoles() {
  const { data, error, refetch } = useQuery(RolesDocument);
  const instead = error === undefined ? <Loading what="the roles" /> : <Failure problem={error} onRetry={() => void refetch()} />;
  return { roles: data?.roles, instead };
}

interface RoleChecksProps {
  readonly roles: readonly Role[];
  readonly held: readonly string[];
  readonly legend: string;
}

export function RoleChecks({ roles, held, legend }: RoleChecksProps) {
  const rows = roles.map(({ name, permissions }) => ({ name, hint: permissions.join(', ') || 'nothing besides the own account' }));
  const gone = held.filter((name) => !roles.some((role) => role.name === name));
  return (
    <fieldset>
      <legend>{legend}</legend>
      {[...rows, ...gone.map((name) => ({ name, hint: 'not configured any more: take it away before you set others' }))].map(
        ({ name, hint }) => (
          <label key={name} className="check">
            <input type="checkbox" name="role" value={name} defaultChecked={held.includes(name)} />
            <span>
              {name} <span className="hint">{hint}</span>
            </span>
          </label>
        ),
      )}
    </fieldset>
  );
}
