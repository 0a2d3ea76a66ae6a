export type { LoginInput, SignupInput } from './api.js';
export { type AuthClient, type AuthClientOptions, createAuthClient } from './auth-client.js';
export { AuthRefusedError, AuthUnavailableError, type RefusalDetails } from './failures.js';
export type { Channel, Clock, LockOptions, Locks, Page, Platform } from './platform.js';
export type { AuthState, AuthUser, SignedIn, SignedOut, SignedOutReason } from './state.js';
export { memoryStorage, type TokenStorage, type WebStorageOptions, webStorage } from './storage.js';
