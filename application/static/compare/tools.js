// What helps at the stage: keys, and the permanent link.

const FIELDS = "input, textarea, select, button, [role=listbox], [contenteditable], summary, a";

/** 1 to 9 play a system, 0 the recording, space plays and stops, Esc stops; not while something else has the key. */
export function listenForKeys(stage) {
  const pressed = (event) => {
    if (!stage.root.isConnected) {
      document.removeEventListener("keydown", pressed);
      return;
    }
    const field = event.target.closest?.(FIELDS);
    const wanted = !field || (field.matches(".cmp-play") && event.key !== " ");
    if (wanted && !event.ctrlKey && !event.metaKey && !event.altKey && obey(stage, event.key)) event.preventDefault();
  };
  document.addEventListener("keydown", pressed);
}

/** @returns {boolean} whether the key means something here */
function obey(stage, key) {
  const rows = [...stage.rows.values()];
  const row = rows.find((one) => String(one.key) === key);
  if (row) stage.toggle(row.name);
  else if (key === " " && rows.length) stage.toggle((stage.current() ?? stage.rows.get(stage.last) ?? rows[0]).name);
  else if (key === "Escape" && stage.player.playing) stage.player.stop();
  else return false;
  return true;
}

let presses = 0;

/** Copy the address; where the browser does not let a page do that, show it, selected. Only the latest press is told of. */
export async function copyLink(button, field) {
  const press = (presses += 1);
  button.textContent = "Copy link";
  field.value = location.href;
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    if (press !== presses) return;
    field.hidden = false;
    field.select();
    return;
  }
  if (press !== presses) return;
  button.textContent = "Copied";
  setTimeout(() => press === presses && (button.textContent = "Copy link"), 5000);
}
