export function UserView(_: { readonly id?: string }) {
  return <p>soon</p>;
}
