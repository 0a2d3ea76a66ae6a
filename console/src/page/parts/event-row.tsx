import type { ReactNode } from 'react';
import type { AuditEventType } from '../generated/operations.js';
import { wordsOfName } from '../words.js';
import { Instant } from './instant.js';

interface Event {
  readonly at: string;
  readonly type: AuditEventType;
  readonly count: number;
  readonly summary: string;
  readonly ipAddress: string | null;
  readonly userAgent: string | null;
}

/** What a person should look at twice. */
const alarming: readonly AuditEventType[] = ['LOGIN_FAILED', 'LOGIN_THROTTLED', 'REFRESH_REUSED', 'BINDING_MISMATCH', 'MAIL_GIVEN_UP'];

interface EventRowProps {
  readonly event: Event;
  readonly actor?: ReactNode;
  readonly subject?: ReactNode;
  /** What it has to do with. */
  readonly related?: ReactNode;
}

/** An event of the audit log as a row of a list. */
export function EventRow({ event: { at, type, count, summary, ipAddress, userAgent }, actor, subject, related }: EventRowProps) {
  return (
    <li className="row">
      <div className="row-text">
        <p className="row-title">
          <strong>{summary}</strong> {count > 1 && <span className="tag">{count} times</span>}{' '}
          <span className={alarming.includes(type) ? 'tag alarming' : 'tag'}>{wordsOfName(type)}</span>
        </p>
        <p className="facts">
          <span>
            <Instant at={at} isExact />
          </span>
          {subject}
          {actor !== null && actor !== undefined && <span>{actor}</span>}
          {ipAddress !== null && <span title={userAgent ?? undefined}>from {ipAddress}</span>}
          {related}
        </p>
      </div>
    </li>
  );
}
