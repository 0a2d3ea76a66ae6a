export function SandboxView() {
  return <p>soon</p>;
}
