// Waits for the terminal's answer, and says how long there is. Without it the page asks again by itself.
"use strict";
(() => {
  const { news, left, words } = document.currentScript.dataset;
  const ends = Date.now() + Number(left) * 1000;
  const [some, few] = words.split("|");
  const tell = () => {
    const minutes = Math.ceil((ends - Date.now()) / 60000);
    const text = minutes > 1 ? some.replace("{minutes}", minutes) : few;
    const place = document.getElementById("left");
    if (place.textContent !== text) place.textContent = text;
  };
  const again = () => location.replace(location.href);
  const wait = async () => {
    try {
      const answer = await fetch(news, { cache: "no-store", redirect: "error" });
      if (!answer.ok || (await answer.json()).over) return again();
      setTimeout(wait, 200);
    } catch {
      setTimeout(wait, 3000);
    }
  };
  tell();
  setInterval(tell, 5000);
  wait();
})();
