/** A user at the workbench: what a person does with keys and mouse, and what they see. */
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Browser, FrameLocator, Locator, Page } from "playwright-core";
import { browserPath, playwright, repository } from "./places.ts";

/** How long to wait for anything, in milliseconds: two cores may be busy with other tests. */
const patience = 60_000;

/** How often a palette is opened to find a command. */
const paletteAttempts = 5;

/** How often a lens that is drawn anew under the mouse is clicked again. */
const lensAttempts = 20;

const chromiumFlags = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  ...["--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"],
];

export class Workbench {
  readonly page: Page;
  private readonly browser: Browser;

  private constructor(browser: Browser, page: Page) {
    this.browser = browser;
    this.page = page;
  }

  /** Opens a folder, or the folders of a `.code-workspace`, in a browser window of its own and waits for its files. */
  static async open(address: string, folder: string): Promise<Workbench> {
    const browser = await playwright().chromium.launch({
      executablePath: browserPath(),
      args: chromiumFlags,
    });
    const page = await browser.newPage({ viewport: { width: 1280, height: 820 } });
    page.setDefaultTimeout(patience);
    const kind = folder.endsWith(".code-workspace") ? "workspace" : "folder";
    await page.goto(`${address}/?${kind}=${encodeURIComponent(folder)}`);
    await page.locator(".explorer-folders-view .monaco-list-row").first().waitFor();
    return new Workbench(browser, page);
  }

  async close(): Promise<void> {
    await this.browser.close();
  }

  /** The status item of the extension. */
  get status(): Locator {
    return this.page.locator('[id="aftershock.aftershock.status"], [id*="aftershock.status"]').first();
  }

  /** The braces beside the language of the file, which tell more of it under the mouse. */
  get languageStatus(): Locator {
    return this.page.locator('[id="status.languageStatus"]');
  }

  /** The messages that are shown. */
  get messages(): Locator {
    return this.page.locator(".notification-list-item");
  }

  /** The page in the timeline's panel: the editor puts it into a frame within a frame. */
  get timeline(): FrameLocator {
    return this.page.frameLocator("iframe.webview").frameLocator("#active-frame");
  }

  /** Does something, and waits until the status item has had a text, however briefly. */
  async seeStatusPass(text: RegExp, act: () => Promise<void>): Promise<void> {
    const passed = this.page.evaluate(statusPassing, { source: text.source, patience });
    await Promise.all([passed, act()]);
  }

  /** Rows of the Problems panel whose text matches. */
  problem(text: RegExp): Locator {
    return this.page.locator(".markers-panel .monaco-list-row").filter({ hasText: text });
  }

  /** Waits until the lens over a line (one-based, in view) has a text. */
  async seeLens(line: number, text: RegExp): Promise<void> {
    await this.page.waitForFunction(lensOver, { line, source: text.source }, { polling: "raf" });
  }

  /**
   * Clicks the first link of the lens over a line (one-based, in view).
   *
   * The editor draws a lens anew whenever its text changes; who was about to click the old one clicks the new one.
   */
  async clickLens(line: number): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const found = await this.page.waitForFunction(lensOver, { line, source: "" }, { polling: "raf" });
      try {
        await found.asElement()?.click();
        return;
      } catch (error) {
        if (attempt === lensAttempts || !String(error).includes("not attached")) {
          throw error;
        }
      }
    }
  }

  /** Rows of the Testing view whose accessible label matches, as `test_a (Failed)`. */
  testRow(label: RegExp): Locator {
    return this.page.locator(".test-explorer .monaco-list-row").and(this.page.getByLabel(label));
  }

  /** Opens the fixes for what is wrong at the cursor, and picks one; looks again while the editor has none yet. */
  async quickFix(title: string): Promise<void> {
    const row = this.page.locator(".action-widget .monaco-list-row").filter({ hasText: title }).first();
    for (let attempt = 1; ; attempt += 1) {
      await this.page.keyboard.press("Control+.");
      try {
        await row.click({ timeout: attempt < paletteAttempts ? 4_000 : patience });
        return;
      } catch (error) {
        if (attempt === paletteAttempts) {
          throw error;
        }
        await this.screenshot([".cache", "pictures", "failed"], `quick-fix-${attempt}`);
        await this.page.keyboard.press("Escape");
      }
    }
  }

  /** Opens a file of the folder, at a line and column (one-based). */
  async openFile(path: string, line = 1, column = 1): Promise<void> {
    const name = path.split("/").at(-1) ?? path;
    await this.page.keyboard.press("Control+P");
    // The list shows other files until it has been searched, and Enter takes the one that it has the focus on.
    const focused = this.page.locator(".quick-input-list .monaco-list-row.focused");
    const found = focused.and(this.page.getByLabel(new RegExp(`^${name.replaceAll(".", "\\.")}(\\W|$)`)));
    await this.quickInput.fill(path);
    await found.waitFor();
    await this.quickInput.fill(`${path}:${line}:${column}`);
    await found.waitFor();
    await this.page.keyboard.press("Enter");
    await this.page.locator(`.tab.active[data-resource-name="${name}"]`).waitFor();
    await this.page.locator(".editor-instance.focused, .monaco-editor.focused").first().waitFor();
  }

  /**
   * Runs a command by its title in the palette.
   *
   * An open palette doesn't show commands that are contributed later, so one that isn't there is looked for again in
   * a palette opened anew, as a user would.
   */
  async command(title: string): Promise<void> {
    // Enter takes the row that has the focus, which until the search has ended is another.
    const row = this.page.locator(".quick-input-list .monaco-list-row.focused").filter({ hasText: title });
    for (let attempt = 1; ; attempt += 1) {
      await this.searchCommand(title);
      try {
        await row.waitFor({ timeout: attempt < paletteAttempts ? 4_000 : patience });
        break;
      } catch (error) {
        if (attempt === paletteAttempts) {
          throw error;
        }
        await this.page.keyboard.press("Escape");
      }
    }
    await this.page.keyboard.press("Enter");
  }

  /** Types a title into the palette and leaves it open. */
  async searchCommand(title: string): Promise<void> {
    await this.page.keyboard.press("F1");
    await this.quickInput.fill(`>${title}`);
  }

  /** A row of the palette or of a pick list. */
  quickRow(text: string | RegExp): Locator {
    return this.page.locator(".quick-input-list .monaco-list-row").filter({ hasText: text });
  }

  private get quickInput(): Locator {
    return this.page.locator(".quick-input-widget .quick-input-box input");
  }

  /** Types one character at the cursor; the editor takes back a longer text word by word. */
  async type(character: string): Promise<void> {
    await this.page.keyboard.type(character);
    await this.page.locator(".tab.active.dirty").waitFor();
  }

  /** Saves the active file, and waits until the workbench says that it is saved. */
  async save(): Promise<void> {
    await this.page.keyboard.press("Control+S");
    await this.page.locator(".tab.active.dirty").waitFor({ state: "detached" });
  }

  /** Takes back the last edit. */
  async undo(): Promise<void> {
    await this.page.keyboard.press("Control+Z");
    await this.page.locator(".tab.active.dirty").waitFor();
  }

  /** Where the keyboard's focus is: the active tab's name, and whether a text editor has it. */
  focus(): Promise<{ tab: string; inEditor: boolean; panelOpen: boolean }> {
    return this.page.evaluate(() => ({
      tab: document.querySelector(".tab.active")?.getAttribute("data-resource-name") ?? "",
      inEditor: document.activeElement?.closest(".editor-instance") !== null,
      panelOpen: (document.querySelector<HTMLElement>(".part.panel")?.offsetHeight ?? 0) > 0,
    }));
  }

  /** Clicks a button of the message that is shown. */
  async answer(message: RegExp, button: string): Promise<void> {
    const toast = this.messages.filter({ hasText: message });
    await toast.locator(".monaco-button").filter({ hasText: button }).click();
    await toast.waitFor({ state: "detached" });
  }

  /** Keeps a picture: in docs/pictures when UPDATE_PICTURES is set, otherwise among the ignored files. */
  async picture(name: string): Promise<void> {
    await this.screenshot(process.env.UPDATE_PICTURES ? ["docs", "pictures"] : [".cache", "pictures"], name);
  }

  /** Lets the user act; where that fails, a picture in `.cache/pictures/failed` tells what they saw. */
  async try(name: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      await this.screenshot([".cache", "pictures", "failed"], name.replace(/\W+/g, "-"));
      throw error;
    }
  }

  private async screenshot(folder: string[], name: string): Promise<void> {
    const path = join(repository, ...folder, `${name}.png`);
    mkdirSync(dirname(path), { recursive: true });
    // A link under the mouse would be shown as such, with a tooltip over the text.
    await this.page.mouse.move(640, 806);
    // A caret that blinks would make each picture another.
    await this.page.screenshot({ path, caret: "hide", animations: "disabled" });
  }
}

/** In the browser: the link of the lens just above a line number, where its text is as the pattern says. */
function lensOver({ line, source }: { line: number; source: string }): HTMLElement | null {
  const numbers = [...document.querySelectorAll(".editor-instance .line-numbers")];
  const number = numbers.find((one) => one.textContent === String(line));
  if (number === undefined) {
    return null;
  }
  const { top, height } = number.getBoundingClientRect();
  const links = [...document.querySelectorAll<HTMLElement>(".codelens-decoration a")];
  const over = links.filter((link) => {
    const { bottom } = link.getBoundingClientRect();
    return bottom > top - height && bottom <= top + 2;
  });
  return over.find((link) => new RegExp(source).test(link.textContent)) ?? null;
}

/** In the browser: resolves once the status item has a text as the pattern says; it may be gone at the next look. */
function statusPassing({ source, patience }: { source: string; patience: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    const observer = new MutationObserver(() => {
      const item = document.querySelector('[id*="aftershock.status"]');
      if (new RegExp(source).test(item?.textContent ?? "")) {
        observer.disconnect();
        resolve();
      }
    });
    observer.observe(document.body, { subtree: true, childList: true, characterData: true });
    setTimeout(() => {
      observer.disconnect();
      reject(new Error(`the status item never was: ${source}`));
    }, patience);
  });
}
