import { useMe } from '../me.js';
import { Link } from '../router.js';

/** Somebody by the address, with the way to the account where that may be read. */
export function Person({ user: { id, email } }: { readonly user: { readonly id: string; readonly email: string } }) {
  const { can } = useMe();
  return can('users:read') ? <Link to={`users/${encodeURIComponent(id)}`}>{email}</Link> : email;
}
