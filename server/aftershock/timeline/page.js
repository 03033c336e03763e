// Moves between the marks by keyboard, tells what is under the mouse or has the focus, and has the editor open a test.
"use strict";

/** The editor's side; a browser has none. */
const editor = globalThis.acquireVsCodeApi?.();
const lanes = [...document.querySelectorAll("[role=row]")]
  .map((row) => [...row.querySelectorAll(".mark")])
  .filter((marks) => marks.length > 0);
const detail = document.querySelector(".detail");
const hint = editor ? "Arrow keys move from test to test, Enter opens one." : "Arrow keys move from test to test.";

/** The one mark that Tab leads to. */
let current;

/** A frame around it, over its neighbours; seen while it has the focus. */
const cursor = document.createElementNS("http://www.w3.org/2000/svg", "rect");
cursor.setAttribute("class", "cursor");
cursor.setAttribute("height", "100%");

function choose(mark) {
  current?.setAttribute("tabindex", "-1");
  current = mark;
  current.setAttribute("tabindex", "0");
  const whole = current.querySelector(".whole");
  for (const name of ["x", "width"]) {
    cursor.setAttribute(name, whole.getAttribute(name));
  }
  current.parentElement.append(cursor);
}

/** Remembers where the reader is, for the page that comes after this one. */
function keep() {
  editor?.setState({ test: current?.dataset.test, top: scrollY });
}

function tell(mark) {
  if (detail) {
    detail.textContent = mark?.querySelector("title").textContent ?? hint;
  }
}

function middle(mark) {
  const { left, width } = mark.querySelector(".whole").getBoundingClientRect();
  return left + width / 2;
}

function nearest(marks, place) {
  const distance = (mark) => Math.abs(middle(mark) - place);
  return marks.reduce((best, mark) => (distance(mark) < distance(best) ? mark : best));
}

/** The mark to which a key leads, if it leads anywhere. */
function reached(key) {
  const row = lanes.findIndex((marks) => marks.includes(current));
  const marks = lanes[row];
  const place = marks.indexOf(current);
  switch (key) {
    case "ArrowLeft":
      return marks[place - 1];
    case "ArrowRight":
      return marks[place + 1];
    case "Home":
      return marks[0];
    case "End":
      return marks.at(-1);
    case "ArrowUp":
    case "ArrowDown": {
      const other = lanes[key === "ArrowUp" ? row - 1 : row + 1];
      return other && nearest(other, middle(current));
    }
    default:
      return undefined;
  }
}

/** Has the editor open a test; a browser goes to its mark. */
function openTest(element) {
  if (editor) {
    editor.postMessage({ open: element.dataset.test });
  } else {
    (document.getElementById(element.dataset.mark) ?? element).focus();
  }
}

/** The mark that draws the test of a row of the table. */
function drawn(row) {
  return document.getElementById(row?.querySelector("button")?.dataset.mark);
}

/** Tells of a mark, or shows and tells to which one a row of the table belongs. */
function point(element) {
  const mark = drawn(element.closest("tr"));
  document.querySelector(".linked")?.classList.remove("linked");
  mark?.classList.add("linked");
  tell(mark ?? element.closest(".mark") ?? document.activeElement.closest(".mark"));
}

document.addEventListener("click", ({ target }) => {
  const element = target.closest("[data-test]");
  if (element) {
    openTest(element);
  }
});
document.addEventListener("keydown", (event) => {
  if (!event.target.matches(".mark") || event.altKey || event.ctrlKey || event.metaKey) {
    return;
  }
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    openTest(current);
    return;
  }
  const mark = reached(event.key);
  if (mark) {
    event.preventDefault();
    mark.focus();
  }
});
document.addEventListener("focusin", ({ target }) => {
  if (target.matches(".mark")) {
    choose(target);
    keep();
  }
  point(target);
});
document.addEventListener("mouseover", ({ target }) => {
  point(target);
});
addEventListener("scrollend", keep);

// The page is made anew after each run: the reader stays where they were.
const before = editor?.getState();
const mark = lanes.flat().find(({ dataset }) => dataset.test === before?.test) ?? lanes[0]?.[0];
if (mark) {
  choose(mark);
}
if (before) {
  scrollTo(0, before.top);
  if (document.hasFocus()) {
    mark?.focus({ preventScroll: true });
  }
}
tell();
