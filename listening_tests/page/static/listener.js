// The listener's page: welcome, the steps one after another, the end. The server decides what comes; this shows it.

import { consentScreen } from "./flow/consent.js";
import { elsewhereDialog, withdrawDialog } from "./flow/dialogs.js";
import { endScreen, failedScreen, refusedScreen } from "./flow/ending.js";
import { Frame } from "./flow/frame.js";
import { applyVolume, levelScreen } from "./flow/level.js";
import { questionsScreen } from "./flow/questions.js";
import { breakScreen, commentsScreen, introScreen } from "./flow/rest.js";
import { SoundCache } from "./flow/sound_cache.js";
import { Storage } from "./flow/storage.js";
import { loadTexts, preferred } from "./flow/texts.js";
import { backScreen, welcomeScreen } from "./flow/welcome.js";
import { audioContext, Player } from "./player.js";
import { Refused, Transport } from "./transport.js";
import { renderTrial } from "./trial.js";

const BASE = new URL("..", import.meta.url); // assets/ lies beside api/ and a/
const PARAMETERS = ["PROLIFIC_PID", "STUDY_ID", "SESSION_ID", "workerId", "assignmentId", "hitId"];
const SCREENS = { consent: consentScreen, questions: questionsScreen, level: levelScreen, break: breakScreen, comments: commentsScreen };
const ALL_LANGUAGES = ["en", "zh", "es", "de"];

/** Put the page into `root`, once; returns what a preview steers. */
export async function mount(root) {
  if (root.dataset.mounted) return null;
  root.dataset.mounted = "true";
  document.body.classList.add("lt"); // one background from edge to edge
  await Promise.all(["assets/visual.css", "assets/listener.css", "assets/flow/flow.css"].map(styled));
  const listener = new Listener(root);
  await listener.begin();
  return listener;
}

function styled(path) {
  return new Promise((resolve) => {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL(path, BASE), onload: resolve, onerror: resolve });
    document.head.append(link);
  });
}

class Listener {
  constructor(root) {
    const query = new URLSearchParams(location.search);
    this.frame = new Frame(root);
    this.studyToken = query.get("study") ?? "";
    this.invitation = query.get("invitation") ?? "";
    this.parameters = Object.fromEntries(PARAMETERS.filter((name) => query.get(name)).map((name) => [name, query.get(name)]));
    this.storage = new Storage(this.studyToken);
    this.transport = new Transport(BASE, this.storage, (state) => this.t && this.frame.setState(this.t, state));
    this.sounds = new SoundCache(this.transport);
    this.wanted = [this.storage.get("language"), query.get("lang"), ...(navigator.languages ?? [navigator.language])];
    this.#tokenFromLink();
  }

  /** A link made by "go on with another device" carries the session behind the #, which no server sees. */
  #tokenFromLink() {
    const token = new URLSearchParams(location.hash.slice(1)).get("session");
    if (!token) return;
    this.transport.session = token;
    history.replaceState(null, "", location.pathname + location.search);
  }

  async begin() {
    await this.#speak(preferred(this.wanted, ALL_LANGUAGES));
    if (!this.studyToken) return this.#fail(this.t("page.no_study"));
    if (!globalThis.AudioContext) return this.#fail(this.t("page.no_sound"));
    try {
      this.study = await this.transport.study(this.studyToken);
    } catch (error) {
      return this.#fail(error.status === 404 ? this.t("page.unknown_study") : this.t("page.failed", { reason: error.message }));
    }
    await this.#speak(preferred(this.wanted, this.study.languages));
    this.frame.setTitle(this.study.title);
    this.#welcome();
  }

  async #speak(language) {
    this.speaking = language;
    if (language === this.language) return;
    const t = await loadTexts(BASE, language);
    if (this.speaking === language) Object.assign(this, { t, language }); // else another one was chosen meanwhile
  }

  async #choose(language) {
    this.storage.set("language", language);
    this.spoken = this.#speak(language);
    await this.spoken;
    if (this.speaking === language && !this.begun) this.#welcome(); // else a later choice, or what was begun, has the page
  }

  #welcome() {
    this.begun = false;
    const context = {
      ...this.#context(), parameters: this.parameters, invitation: this.invitation,
      onLanguage: (language) => this.#choose(language), onStart: (invitation) => this.#start(invitation),
    };
    if (this.transport.session) return this.frame.show(backScreen(this.study, context));
    if (this.study.state !== "open") return this.frame.show(refusedScreen("closed", context));
    return this.frame.show(welcomeScreen(this.study, context));
  }

  #context() {
    return { t: this.t, language: this.language, player: this.player, sounds: this.sounds, storage: this.storage };
  }

  async #start(invitation) {
    audioContext().resume(); // allowed in this click; not awaited, as some browsers never answer without a device
    this.player ??= new Player(audioContext());
    applyVolume(this.player, this.storage);
    this.begun = true;
    await this.spoken?.catch(() => undefined); // the texts of the language that was just chosen
    try {
      await this.#proceed(invitation);
    } catch (error) {
      this.begun = false;
      throw error;
    }
  }

  async #proceed(invitation) {
    const request = { study: this.studyToken, language: this.language, parameters: this.parameters };
    try {
      await this.transport.start(invitation ? { ...request, invitation } : request);
    } catch (error) {
      return this.#notStarted(error);
    }
    return this.#guarded(async () => this.#show(await this.transport.resume()));
  }

  /** Show what the service has now, without a welcome: for a preview that jumps; call it in a click, so that sound may play. */
  proceed() {
    return this.#start(this.invitation);
  }

  #notStarted(error) {
    if (!(error instanceof Refused)) throw error;
    const why = error.body?.reason;
    if (!["invitation", "full", "closed"].includes(why)) throw error;
    this.frame.hideProgress();
    this.frame.show(refusedScreen(why, this.#context()));
  }

  /** Run; where the session is gone say so, and leave other refusals to the screen that asked. */
  async #guarded(run, isHere = () => true) {
    try {
      return await run();
    } catch (error) {
      if (!isHere()) return undefined;
      if (!(error instanceof Refused) || ![401, 404].includes(error.status)) throw error;
      this.transport.session = undefined;
      this.#fail(this.t("page.lost"), () => this.#welcome());
    }
  }

  #answer(step, answer, heard) {
    const isHere = () => this.step === step; // nobody left meanwhile
    return this.#guarded(async () => {
      const next = await this.transport.answer(step.step, answer, heard);
      if (isHere()) this.#show(next);
    }, isHere);
  }

  #show(step) {
    if (!step.step) return this.#end(step);
    this.step = step;
    this.frame.setProgress(this.t, step);
    this.#links();
    this.sounds.keep([...step.stimuli.map(({ url }) => url), ...(step.prefetch ?? [])]);
    const judged = step.kind === "training" || step.kind === "trial";
    if (judged && !this.storage.get("introduced")) this.#introduce(step);
    else this.#draw(step);
  }

  #introduce(step) {
    const onDone = () => {
      this.storage.set("introduced", true);
      this.#draw(step);
    };
    this.frame.show(introScreen(step, { ...this.#context(), onDone }));
  }

  #draw(step) {
    const answer = (given, heard) => this.#answer(step, given, heard);
    const screen = SCREENS[step.view] ?? SCREENS[step.kind];
    if (screen) this.frame.show(screen(step, { ...this.#context(), answer }));
    else this.#trial(step, answer);
    const here = step.stimuli.map(({ url }) => this.sounds.fetch(url).catch(() => null));
    Promise.all(here).then(() => this.step === step && this.sounds.ahead(step.prefetch ?? []));
  }

  #trial(step, answer) {
    const held = {};
    const place = this.frame.room({ destroy: () => held.trial?.destroy() });
    // a headphone check is heard to its end whatever the study's rule for trials
    const shown = step.kind === "headphones" ? { ...step, listening: { coverage: 0.99 } } : step;
    held.trial = renderTrial(place, shown, this.player, this.t, {
      onAnswer: answer, fetcher: this.sounds.fetch, language: this.language,
    });
  }

  #links() {
    this.frame.setLinks(
      [this.t("elsewhere.open"), () => elsewhereDialog(this.frame.root, { ...this.#context(), link: this.#link() }), "elsewhere"],
      [this.t("withdraw.open"), () => withdrawDialog(this.frame.root, { ...this.#context(), onConfirm: (all) => this.#withdraw(all) }), "withdraw"],
    );
  }

  #link() {
    const link = new URL(location.href);
    link.search = new URLSearchParams({ study: this.studyToken }).toString();
    link.hash = new URLSearchParams({ session: this.transport.session }).toString();
    return link.href;
  }

  async #withdraw(deleted) {
    await this.transport.withdraw(deleted);
    this.#end({ withdrawn: true, deleted });
  }

  #end(end) {
    this.step = null;
    this.frame.hideProgress();
    this.sounds.keep([]);
    const over = end.withdrawn || end.over;
    if (over) this.transport.session = undefined;
    const onRetry = end.over && end.reason === "returned" ? () => this.#welcome() : undefined;
    this.frame.show(endScreen(end, { ...this.#context(), onRetry }));
  }

  #fail(text, onRetry) {
    this.frame.hideProgress();
    this.frame.show(failedScreen(text, { ...this.#context(), onRetry }));
  }
}
