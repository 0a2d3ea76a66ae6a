export function AuditView(_: { readonly id?: string }) {
  return <p>soon</p>;
}
