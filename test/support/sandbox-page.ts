import type { Page } from 'playwright-core';

export interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string; readonly extensions: Readonly<Record<string, unknown>> }[];
}

/** The sandbox as a person uses it. */
export class SandboxPage {
  constructor(readonly page: Page) {}

  /** Waits until operations can be run, and the schema is there. */
  async ready(): Promise<void> {
    await this.page.getByRole('heading', { name: 'Examples' }).waitFor();
    await this.page.locator('.graphiql-query-editor .view-line').first().waitFor();
    await this.page.locator('.graphiql-sidebar button[aria-label^="Re-fetch"]:not([disabled])').waitFor();
  }

  /** Opens an example from the menu, and waits until it is in its tab. */
  async openExample(title: string, operationName: string): Promise<void> {
    const menu = this.page.getByRole('region', { name: 'Examples' });
    await menu.getByRole('button', { name: title, exact: true }).click();
    await this.page.getByRole('tab', { selected: true }).getByText(operationName, { exact: true }).waitFor();
  }

  /** Presses the button, and gives what the server answered, once the page shows it. */
  async run(): Promise<Answer> {
    const answered = this.page.waitForResponse(
      (response) => response.request().method() === 'POST' && !response.request().postData()?.includes('IntrospectionQuery'),
    );
    await this.page.getByRole('button', { name: /^Execute query/ }).click();
    const response = await answered;
    await this.page
      .locator('.result-window')
      .getByText('"data"')
      .or(this.page.locator('.result-window').getByText('"errors"'))
      .first()
      .waitFor();
    return (await response.json()) as Answer;
  }

  /** What the editor of that name holds. */
  async valueOf(editor: 'operation' | 'variables' | 'headers' | 'response'): Promise<string> {
    return this.page.evaluate((name) => {
      const { __MONACO: monaco } = globalThis as unknown as { __MONACO: Monaco };
      return (
        monaco.editor
          .getModels()
          .find(({ uri }) => uri.path.includes(name))
          ?.getValue() ?? ''
      );
    }, editor);
  }

  /** Writes request headers, as JSON. */
  async writeHeaders(headers: Readonly<Record<string, string>>): Promise<void> {
    await this.page.getByRole('button', { name: 'Headers', exact: true }).click();
    await this.page.locator('[aria-label="Headers"] .view-lines').last().click();
    await this.page.keyboard.press('ControlOrMeta+A');
    // Written over a selection, the text would be taken for brackets to put around it.
    await this.page.keyboard.press('Delete');
    await this.page.keyboard.insertText(JSON.stringify(headers));
  }

  get identity() {
    return this.page.getByRole('combobox', { name: 'Send the token of' });
  }

  /** The entries of the bar's list. */
  identities(): Promise<string[]> {
    return this.identity.locator('option').allInnerTexts();
  }
}

interface Monaco {
  readonly editor: { getModels(): { readonly uri: { readonly path: string }; getValue(): string }[] };
}
