import { useQuery } from '@apollo/client/react';
import { useState } from 'react';
import { SignInStatsDocument, type SignInStatsQuery } from '../generated/operations.js';
import { shortInstant } from '../parts/instant.js';
import { shownOf } from '../parts/listing.js';
import { Failure, Loading } from '../parts/problem.js';
import { serverNow } from '../server-clock.js';

type Stats = SignInStatsQuery['signInStats'];
const hourMs = 3_600_000;
const spans = [
  { text: '24 hours', ms: 24 * hourMs, buckets: 24 },
  { text: '7 days', ms: 168 * hourMs, buckets: 28 },
  { text: '30 days', ms: 720 * hourMs, buckets: 30 },
] as const;
const kinds = [
  { key: 'succeeded', text: 'succeeded' },
  { key: 'failed', text: 'refused' },
  { key: 'throttled', text: 'told to wait' },
] as const;
const height = 100;
const barWidth = 10;

/** Until the end of the present hour, so that asking again within it asks for the same. */
function rangeOf({ ms, buckets }: (typeof spans)[number]) {
  const to = Math.ceil(serverNow() / hourMs) * hourMs;
  return { from: new Date(to - ms).toISOString(), to: new Date(to).toISOString(), buckets };
}

function Bar({ bucket, index, most }: { readonly bucket: Stats[number]; readonly index: number; readonly most: number }) {
  let top = height;
  return (
    <g>
      <title>{`${shortInstant(bucket.from)}: ${kinds.map(({ key, text }) => `${bucket[key]} ${text}`).join(', ')}`}</title>
      {kinds.map(({ key }) => {
        const size = (bucket[key] / most) * height;
        top -= size;
        return <rect key={key} className={key} x={index * barWidth + 1} y={top} width={barWidth - 2} height={size} />;
      })}
    </g>
  );
}

function Numbers({ stats }: { readonly stats: Stats }) {
  return (
    <details>
      <summary>The numbers</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard. */}
      <section className="scroll" tabIndex={0} aria-label="Sign-ins in numbers">
        <table>
          <thead>
            <tr>
              <th scope="col">from</th>
              {kinds.map(({ key, text }) => (
                <th key={key} scope="col">
                  {text}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {stats.map((bucket) => (
              <tr key={bucket.from}>
                <th scope="row">{shortInstant(bucket.from)}</th>
                {kinds.map(({ key }) => (
                  <td key={key}>{bucket[key]}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </details>
  );
}

function Chart({ stats }: { readonly stats: Stats }) {
  const sums = kinds.map(({ key, text }) => ({ key, text, sum: stats.reduce((sum, bucket) => sum + bucket[key], 0) }));
  const most = Math.max(1, ...stats.map((bucket) => kinds.reduce((sum, { key }) => sum + bucket[key], 0)));
  const width = stats.length * barWidth;
  return (
    <>
      <svg
        className="chart"
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Sign-ins: ${sums.map(({ text, sum }) => `${sum} ${text}`).join(', ')}; at most ${most} in a bar`}
      >
        <line x1="0" x2={width} y1={height} y2={height} vectorEffect="non-scaling-stroke" />
        {stats.map((bucket, index) => (
          <Bar key={bucket.from} bucket={bucket} index={index} most={most} />
        ))}
      </svg>
      <ul className="key">
        {sums.map(({ key, text, sum }) => (
          <li key={key}>
            <svg viewBox="0 0 10 10" aria-hidden="true">
              <rect className={key} width="10" height="10" />
            </svg>
            {sum.toLocaleString()} {text}
          </li>
        ))}
      </ul>
      <Numbers stats={stats} />
    </>
  );
}

/** Sign-ins and refusals over time. */
export function SignInChart() {
  const [chosen, setChosen] = useState(0);
  const span = spans[chosen] ?? spans[0];
  const asked = useQuery(SignInStatsDocument, {
    variables: rangeOf(span),
    fetchPolicy: 'cache-and-network',
  });
  const { shown, isStale, problem } = shownOf(asked);
  return (
    <section className="card" aria-label="Sign-ins" aria-busy={isStale}>
      <div className="view-head">
        <h2>Sign-ins</h2>
        <label>
          of the last{' '}
          <select value={chosen} onChange={({ target }) => setChosen(Number(target.value))}>
            {spans.map(({ text }, index) => (
              <option key={text} value={index}>
                {text}
              </option>
            ))}
          </select>
        </label>
      </div>
      {problem !== null && <Failure problem={problem} onRetry={() => void asked.refetch()} />}
      {shown === undefined && problem === null && <Loading what="sign-ins" />}
      {shown !== undefined && <Chart stats={shown.signInStats} />}
    </section>
  );
}
