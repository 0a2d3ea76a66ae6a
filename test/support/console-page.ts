import type { Locator, Page } from 'playwright-core';

/** Who signs in at the page. */
export interface Credentials {
  readonly email: string;
  readonly password: string;
}

/** The console as a person uses it. */
export class ConsolePage {
  constructor(readonly page: Page) {}

  /** Waits for a view by its heading. */
  async shows(title: string): Promise<void> {
    await this.page.getByRole('heading', { name: title, level: 1, exact: true }).waitFor();
  }

  /** Waits until nothing is being loaded any more: a view may load several things. */
  async loaded(): Promise<void> {
    await this.page
      .getByText(/^Loading /)
      .first()
      .waitFor({ state: 'detached' });
  }

  async signUp({ email, password }: Credentials): Promise<void> {
    await this.page.getByRole('link', { name: 'No account yet? Make one' }).click();
    await this.shows('Sign up');
    await this.page.getByLabel('Email', { exact: true }).fill(email);
    await this.page.getByLabel('Password', { exact: true }).fill(password);
    await this.press('Sign up');
  }

  async signIn({ email, password }: Credentials): Promise<void> {
    await this.page.getByLabel('Email', { exact: true }).fill(email);
    await this.page.getByLabel('Password', { exact: true }).fill(password);
    await this.press('Sign in');
  }

  /** Presses the button: in the dialog, where one is open. */
  async press(name: string): Promise<void> {
    await this.page.getByRole('button', { name, exact: true }).click();
  }

  /** Goes to a view by its link above. */
  async goTo(name: string): Promise<void> {
    await this.page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name, exact: true }).click();
    await this.shows(name);
  }

  rows(list: string): Locator {
    return this.page.getByRole('list', { name: list, exact: true }).getByRole('listitem');
  }

  /** Waits for words anywhere on the page. Where they do not come, the error has those that are there. */
  async says(text: string | RegExp): Promise<void> {
    try {
      await this.page.getByText(text).first().waitFor();
    } catch (error) {
      throw new Error(`${String(error)}\nThe page says: ${await this.page.locator('#root').textContent()}`);
    }
  }
}
