import "@sceau/shared/styles.css";
import { mount } from "svelte";
import App from "./App.svelte";
import { follow } from "./route.svelte";

const target = document.getElementById("app");
if (target) {
  follow();
  mount(App, { target });
}
