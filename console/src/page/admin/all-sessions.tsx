export function AllSessionsView(_: { readonly id?: string }) {
  return <p>soon</p>;
}
