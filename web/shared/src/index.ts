// What every page of Sceau shares: words, type and colour (styles.css), and a few components. No cryptography here.
export { here } from "./focus";
export { bytes, date, dateTime, exactTime, language, local, setLanguage, typographic, words, type Language } from "./i18n.svelte";
export { default as Button } from "./components/Button.svelte";
export { default as Choices } from "./components/Choices.svelte";
export { default as Custody } from "./components/Custody.svelte";
export { default as DocumentMark } from "./components/DocumentMark.svelte";
export { default as Field } from "./components/Field.svelte";
export { default as Fingerprint } from "./components/Fingerprint.svelte";
export { default as Notice } from "./components/Notice.svelte";
export { default as Page } from "./components/Page.svelte";
export { default as Progress } from "./components/Progress.svelte";
export { default as Seal } from "./components/Seal.svelte";
export { default as WaxSeal } from "./drawings/WaxSeal.svelte";
export { imprint } from "./drawings/imprint";
export type { CustodyState } from "./components/custody";
