declare module 'fxa-common-password-list' {
  const list: {
    /** Whether the password is (very probably) among the commonest. Case-sensitive. */
    test(password: string): boolean;
  };
  export default list;
}
