import { request as httpRequest } from 'node:http';

export interface GraphQLAnswer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever shape its query asked for.
  readonly data: any;
  readonly errors: readonly { readonly message: string; readonly path?: readonly string[]; readonly extensions: Record<string, unknown> }[];
  /** The body as it came. */
  readonly text: string;
}

export interface RequestOptions {
  readonly token?: string;
  readonly headers?: Record<string, string>;
  readonly operationName?: string;
}

/** POSTs a document and reads the answer, whatever its status. */
export async function post(
  url: string,
  query: string,
  variables: object = {},
  { token, headers, operationName }: RequestOptions = {},
): Promise<GraphQLAnswer> {
  return postBody(url, JSON.stringify({ query, variables, operationName }), {
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...headers,
  });
}

export async function postBody(url: string, body: string, headers: Record<string, string> = {}): Promise<GraphQLAnswer> {
  const response = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
  return readAnswer(response);
}

export async function readAnswer(response: Response): Promise<GraphQLAnswer> {
  const text = await response.text();
  const { data = null, errors = [] } = JSON.parse(text);
  return { status: response.status, headers: response.headers, data, errors, text };
}

/** The code of the only error. */
export function codeOf({ errors, data }: GraphQLAnswer): unknown {
  if (errors.length !== 1) throw new Error(`expected one error and got ${errors.length}, with data ${JSON.stringify(data)}`);
  return errors[0]?.extensions.code;
}
export const extensionsOf = (answer: GraphQLAnswer): Record<string, unknown> => {
  codeOf(answer);
  return answer.errors[0]?.extensions ?? {};
};

const payload = `{ accessToken accessTokenExpiresAt refreshToken refreshTokenExpiresAt tokenType serverTime
  user { id email username } session { id state refreshCount isCurrent } }`;
export const signupMutation = `mutation Signup($input: SignupInput!) { signup(input: $input) { emailVerificationRequired auth ${payload} } }`;
export const loginMutation = `mutation Login($input: LoginInput!) { login(input: $input) ${payload} }`;
export const refreshMutation = `mutation Refresh($token: String) { refreshToken(token: $token) ${payload} }`;
export const meQuery = '{ me { id email } }';

/** A GET by Node's own client, which sends a path and headers as they are given. */
export function get(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ readonly status: number; readonly text: string; readonly headers: object }> {
  return new Promise((resolve, reject) => {
    httpRequest(url, { headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8'), headers: response.headers }),
      );
    })
      .on('error', reject)
      .end();
  });
}
