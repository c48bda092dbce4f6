// The few lines of script that pages share. Everything works without them.
"use strict";

// htmx sends the CSRF token that the page's own forms carry.
document.addEventListener("htmx:configRequest", (event) => {
  const token = document.querySelector("input[name=csrfmiddlewaretoken]");
  if (token) event.detail.headers["X-CSRFToken"] = token.value;
});

// A second click on a form that is already on its way sends nothing.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) { event.preventDefault(); return; }
  if (!form.hasAttribute("hx-post") && form.method === "post") {
    form.dataset.sent = "1";
    form.setAttribute("aria-busy", "true");
  }
});
// The back button shows the page as it was left: forms may be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.removeAttribute("aria-busy");
  }
});

// —— The desk: what is picked, the keys, and sentences ready to use ——
const yuan = (fen) => (fen / 100n).toString().replace(/\B(?=(\d{3})+$)/g, ",") + "." + (fen % 100n).toString().padStart(2, "0");

const tellPicks = () => {
  const picks = [...document.querySelectorAll("input[name=pick]")];
  const picked = picks.filter((box) => box.checked);
  for (const live of document.querySelectorAll("[data-live]")) {
    live.hidden = false;
    live.querySelector("[data-count]").textContent = picked.length;
    const sum = live.querySelector("[data-sum]");
    if (sum) sum.textContent = yuan(picked.reduce((total, box) => total + BigInt(box.dataset.fen), 0n));
  }
  for (const all of document.querySelectorAll("[data-all]")) {
    all.hidden = false;
    all.querySelector("input").checked = picks.length > 0 && picked.length === picks.length;
  }
  for (const clear of document.querySelectorAll("[data-clear]")) clear.hidden = picked.length === 0;
};
const pickAll = (checked) => {
  for (const box of document.querySelectorAll("input[name=pick]")) box.checked = checked;
  tellPicks();
};
document.addEventListener("change", (event) => {
  const box = event.target;
  if (box.closest("[data-all]")) pickAll(box.checked);
  else if (box.name === "pick") tellPicks();
  else if (box.dataset.phrases && box.value) {
    const reason = document.getElementById(box.dataset.phrases);
    if (!reason.value.includes(box.value)) reason.value = [reason.value.trim(), box.value].filter(Boolean).join("\n");
    box.value = "";
    reason.focus();
  }
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-clear]")) pickAll(false);
  const more = event.target.closest("[data-more]");
  if (more) {
    event.preventDefault();
    const list = more.form.querySelector("ol"), row = list.lastElementChild.cloneNode(true), input = row.querySelector("input");
    input.id = `return-${list.children.length + 1}`;
    input.value = "";
    row.querySelector("label").htmlFor = input.id;
    row.querySelector("label").textContent = `第 ${list.children.length + 1} 项`;
    list.append(row);
    input.focus();
  }
  if (event.target.closest("a[href^='#']")) window.setTimeout(openTarget);
});
// A link to a closed panel opens it.
const openTarget = () => {
  const panel = location.hash.startsWith("#do-") && document.querySelector(location.hash);
  if (!panel) return;
  panel.open = true;
  panel.scrollIntoView({ block: "center" });
  const first = panel.querySelector("input:not([type=hidden]), select, textarea");
  if (first) first.focus({ preventScroll: true });
};
window.addEventListener("hashchange", openTarget);

// J and K walk through rows or claims, X picks, / searches; never while somebody types.
const walk = (step) => {
  const link = document.querySelector(step > 0 ? "a[rel=next] kbd" : "a[rel=prev] kbd");
  if (link) { link.closest("a").click(); return; }
  const rows = [...document.querySelectorAll("tr[data-row]")];
  if (!rows.length) return;
  const at = rows.findIndex((row) => row.classList.contains("at"));
  const row = rows[Math.min(rows.length - 1, Math.max(0, at + step))];
  for (const each of rows) each.classList.toggle("at", each === row);
  row.scrollIntoView({ block: "nearest" });
  row.querySelector("th a").focus({ preventScroll: true });
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest("input:not([type=checkbox]), select, textarea, [contenteditable]")) return;
  const key = event.key.toLowerCase();
  if (key === "j") walk(1);
  else if (key === "k") walk(-1);
  else if (key === "/") {
    const find = document.querySelector("[data-find]");
    if (find) { event.preventDefault(); find.focus(); }
  } else if (key === "x") {
    const box = document.querySelector("tr.at input[name=pick]");
    if (box) { box.checked = !box.checked; tellPicks(); }
  }
});
document.addEventListener("DOMContentLoaded", () => {
  for (const hint of document.querySelectorAll(".keys[hidden], kbd[hidden]")) hint.hidden = false;
  tellPicks();
  openTarget();
});

// —— A claim's forms: what was typed is there again after the session ended; a receipt prints ——
const kept = (form) => `typed:${location.pathname}:${[...document.forms].indexOf(form)}`;
const typedIn = (form) => [...new FormData(form)].filter(([name, value]) => typeof value === "string" && !/^(csrfmiddlewaretoken|seen|version|kept|seen_.*)$/.test(name));
document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-keep]");
  if (form) sessionStorage.setItem(kept(form), JSON.stringify({ mark: form.dataset.keep, typed: typedIn(form) }));
});
document.addEventListener("DOMContentLoaded", () => {
  for (const form of document.querySelectorAll("form[data-keep]")) {
    const found = JSON.parse(sessionStorage.getItem(kept(form)) || "null");
    if (!found) continue;
    const same = JSON.stringify(found.typed) === JSON.stringify(typedIn(form));
    if (same || found.mark !== form.dataset.keep || document.querySelector("[role=alert], .field.bad")) { sessionStorage.removeItem(kept(form)); continue; }
    const values = new Map(found.typed);
    for (const field of form.elements) {
      if (!field.name || field.type === "hidden" || field.type === "file" || field.type === "submit") continue;
      if (field.type === "checkbox") field.checked = values.has(field.name);
      else if (values.has(field.name)) field.value = values.get(field.name);
    }
    const note = document.createElement("p");
    note.className = "msg warn";
    note.setAttribute("role", "status");
    note.textContent = "已恢复您上次填写、还没有保存的内容，请核对后保存。";
    form.prepend(note);
  }
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }
});
// An answer that is really the sign-in page never lands in a form; signing in leads back here.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (!event.detail.xhr.responseURL.includes("/accounts/login/")) return;
  event.detail.shouldSwap = false;
  location.assign(`/accounts/login/?next=${encodeURIComponent(location.pathname)}`);
});

// —— The menu of a narrow desk, opened by its address (#menu): focus goes in, stays in and comes back; Escape closes ——
let menuWasOpen = false;
const settleMenu = () => {
  const menu = document.getElementById("menu");
  if (!menu) return;
  const open = location.hash === "#menu" && getComputedStyle(menu).position === "fixed";
  if (open === menuWasOpen) return;
  menuWasOpen = open;
  for (let node = menu; node !== document.body; node = node.parentElement) {
    for (const other of node.parentElement.children) if (other !== node) other.inert = open;
  }
  const next = open ? menu.querySelector("a") : document.querySelector(".menu-b");
  if (next) next.focus({ preventScroll: true });
};
window.addEventListener("hashchange", settleMenu);
window.addEventListener("resize", settleMenu);
window.addEventListener("pageshow", settleMenu);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && menuWasOpen) location.hash = "#main";
});

// —— The file beside its fields: a field and its box light up together; a click on a field shows where it stands ——
const pairOf = (target) => target.closest && target.closest("[data-pair]");
const twinOf = (node) => node.id && document.getElementById((node.id.startsWith("b-") ? "f-" : "b-") + node.id.slice(2));
const light = (event, on) => {
  const node = pairOf(event.target);
  if (!node) return;
  for (const each of [node, twinOf(node)]) if (each) each.classList.toggle("lit", on);
};
for (const [kind, on] of [["pointerover", true], ["focusin", true], ["pointerout", false], ["focusout", false]]) {
  document.addEventListener(kind, (event) => light(event, on));
}
const bringBox = () => {
  const box = location.hash.startsWith("#b-") && document.getElementById(location.hash.slice(1));
  const room = box && box.closest(".scans");
  if (!room) return;
  const at = box.getBoundingClientRect(), around = room.getBoundingClientRect();
  room.scrollBy({ left: at.left - around.left - (around.width - at.width) / 2, top: at.top - around.top - (around.height - at.height) / 2 });
};
window.addEventListener("hashchange", bringBox);
document.addEventListener("click", (event) => {
  const node = pairOf(event.target);
  if (!node || node.id.startsWith("b-") || event.target.closest("a, button, input, select, textarea, label, summary") || getSelection().toString()) return;
  const box = twinOf(node);
  if (box) { location.hash = box.id; bringBox(); }
});
// What an officer types into the tax platform is copied as it stands; without a clipboard it can be marked by hand.
document.addEventListener("DOMContentLoaded", () => {
  if (!navigator.clipboard) return;
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "已复制";
      window.setTimeout(() => { button.textContent = "复制"; }, 2000);
    });
  }
});
