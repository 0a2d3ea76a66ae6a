import type { ReactNode } from 'react';
import type { SessionRowFragment } from '../generated/operations.js';
import { Instant } from '../parts/instant.js';
import { deviceKinds, endingFor } from '../words.js';

interface SessionRowProps {
  readonly session: SessionRowFragment;
  /** Whose it is, where that is not clear. */
  readonly owner?: ReactNode;
  /** What leads from it to other views. */
  readonly trace?: ReactNode;
  readonly action?: ReactNode;
}

function Whereabouts({ session }: { readonly session: SessionRowFragment }) {
  const { state, createdAt, lastSeenAt, idleExpiresAt, revokedAt, revocationReason } = session;
  return (
    <p className="facts">
      <span>
        signed in <Instant at={createdAt} />
      </span>
      <span>
        last seen <Instant at={lastSeenAt} />
      </span>
      {state === 'REVOKED' && (
        <span>
          {endingFor(revocationReason)} {revokedAt !== null && <Instant at={revokedAt} />}
        </span>
      )}
      {state !== 'REVOKED' && (
        <span>
          {state === 'EXPIRED' ? 'expired' : 'ends unless used'} <Instant at={idleExpiresAt} />
        </span>
      )}
    </p>
  );
}

/** A session as a row of a list. */
export function SessionRow({ session, owner, trace, action }: SessionRowProps) {
  const { device, isCurrent, ipAddress, userAgent, state } = session;
  return (
    <li className={state === 'ACTIVE' ? 'row' : 'row ended'}>
      <div className="row-text">
        <p className="row-title">
          <strong title={userAgent ?? undefined}>{device.label}</strong> <span className="tag">{deviceKinds[device.kind]}</span>{' '}
          {isCurrent && <span className="tag own">this one</span>}{' '}
          {state !== 'ACTIVE' && <span className="tag">{state.toLowerCase()}</span>}
        </p>
        {owner !== undefined && <p className="facts">{owner}</p>}
        <Whereabouts session={session} />
        <p className="facts">
          <span>{ipAddress === null ? 'address unknown' : `from ${ipAddress}`}</span>
        </p>
        {trace !== undefined && <p className="facts">{trace}</p>}
      </div>
      {action !== undefined && action !== false && <div className="actions">{action}</div>}
    </li>
  );
}
