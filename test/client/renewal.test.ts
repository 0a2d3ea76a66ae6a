import { describe, expect, it } from '@jest/globals';
import { credentials, type Scripted, scripted, settled } from './scripted.js';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const refreshes = ({ api }: Scripted) => api.operations.filter((operation) => operation === 'RefreshToken').length;

async function signedIn(random?: () => number): Promise<Scripted> {
  const tab = scripted({}, random);
  await tab.auth.login(credentials);
  return tab;
}

describe('A page that is seen', () => {
  it.each([
    [0, 45],
    [0.5, 48],
    [0.999, 51],
  ])('refreshes by itself after three quarters of the lifetime and more, by chance: %d gives minute %d', async (random, due) => {
    const tab = await signedIn(() => random);
    await tab.time.pass((due - 1) * minute);
    expect(refreshes(tab)).toBe(0);
    await tab.time.pass(2 * minute);
    expect(refreshes(tab)).toBe(1);
    expect(await tab.auth.getAccessToken()).toBe('access-2');
  });

  it('stays fresh for a day, with as few requests as it takes', async () => {
    const tab = await signedIn();
    await tab.time.pass(24 * hour);
    expect(refreshes(tab)).toBe(32);
  });

  it('tries again each half minute while the server is away, and hands out the token for as long as it lasts', async () => {
    const tab = await signedIn();
    let isAway = true;
    const answer = tab.api.grant.bind(tab.api);
    tab.api.steps.push(
      ...Array.from({ length: 400 }, () => () => (isAway ? Promise.reject(new TypeError('failed')) : answer('RefreshToken'))),
    );
    await tab.time.pass(50 * minute);
    expect(refreshes(tab)).toBeGreaterThan(8);
    expect(await tab.auth.getAccessToken()).toBe('access-1');
    expect(tab.auth.state.kind).toBe('signed-in');
    isAway = false;
    await tab.time.pass(minute);
    expect(await tab.auth.getAccessToken()).toBe('access-2');
  });
});

describe('A page that nobody sees', () => {
  it('does not refresh by itself; when it is seen again it does at once', async () => {
    const tab = await signedIn();
    tab.page.isVisible = false;
    tab.wake();
    await tab.time.pass(3 * hour);
    expect(refreshes(tab)).toBe(0);
    tab.page.isVisible = true;
    tab.wake();
    await settled();
    expect(refreshes(tab)).toBe(1);
  });

  it('refreshes when somebody in it needs a token', async () => {
    const tab = await signedIn();
    tab.page.isVisible = false;
    tab.wake();
    await tab.time.pass(3 * hour);
    expect(await tab.auth.getAccessToken()).toBe('access-2');
  });
});

describe('A laptop that sleeps', () => {
  it('knows when it wakes that its token has ended, though its timers and its monotonic clock stood still', async () => {
    const tab = await signedIn();
    tab.time.sleep(8 * hour);
    expect(await tab.auth.getAccessToken()).toBe('access-2');
  });

  it('refreshes within a minute of waking, or when it is told, without anybody asking', async () => {
    const [untold, told] = [await signedIn(), await signedIn()];
    for (const tab of [untold, told]) tab.time.sleep(8 * hour);
    told.wake();
    await settled();
    expect(refreshes(told)).toBe(1);
    await untold.time.pass(minute);
    expect(refreshes(untold)).toBe(1);
  });
});

describe('A wall clock that is wrong', () => {
  it.each([
    ['two hours fast', 2 * hour],
    ['two hours slow', -2 * hour],
    ['twenty years off', 20 * 365 * 24 * hour],
  ])('%s changes nothing', async (_what, offset) => {
    const tab = scripted();
    tab.time.setWall(tab.api.serverNow + offset);
    await tab.auth.login(credentials);
    await tab.time.pass(44 * minute);
    expect(await tab.auth.getAccessToken()).toBe('access-1');
    expect(refreshes(tab)).toBe(0);
    await tab.time.pass(2 * minute);
    expect(refreshes(tab)).toBe(1);
  });

  it('and is set back while the page is open does not make a token last longer', async () => {
    const tab = await signedIn();
    tab.page.isVisible = false;
    await tab.time.pass(30 * minute);
    tab.time.sleep(-2 * hour);
    await tab.time.pass(30 * minute);
    expect(await tab.auth.getAccessToken()).toBe('access-2');
  });

  it('and is set forward costs one refresh', async () => {
    const tab = await signedIn();
    tab.time.sleep(2 * hour);
    for (let asked = 0; asked < 10; asked += 1) expect(await tab.auth.getAccessToken()).toBe('access-2');
    await tab.time.pass(40 * minute);
    expect(refreshes(tab)).toBe(1);
  });
});

describe('A token that lives for a minute', () => {
  it('is used for most of it, and refreshed in time', async () => {
    const tab = scripted();
    tab.api.lifetimeMs = minute;
    await tab.auth.login(credentials);
    tab.page.isVisible = false;
    await tab.time.pass(53 * second);
    expect(await tab.auth.getAccessToken()).toBe('access-1');
    await tab.time.pass(2 * second);
    expect(await tab.auth.getAccessToken()).toBe('access-2');
  });
});

describe('A client that was closed', () => {
  it('does nothing by itself any more', async () => {
    const tab = await signedIn();
    tab.auth.close();
    await tab.time.pass(3 * hour);
    tab.wake();
    await settled();
    expect(refreshes(tab)).toBe(0);
  });
});
