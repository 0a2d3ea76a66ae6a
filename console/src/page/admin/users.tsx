export function UsersView(_: { readonly id?: string }) {
  return <p>soon</p>;
}
