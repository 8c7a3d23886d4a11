// Making elements. Text becomes text nodes, never markup: whatever a model or a server says is shown as it is.

/** The element of an id. */
export const byId = (id) => document.getElementById(id);

/** Makes an element: its attributes, then its children, which are elements or texts. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    element.setAttribute(attribute, value);
  }

  element.append(...children);
  return element;
}

const whole = new Intl.NumberFormat('en');

/** A number for people: thousands apart, three digits where it is small. */
export const number = (value) => whole.format(value >= 100 ? Math.round(value) : Number(value.toPrecision(3)));

/** A share in per cent. Little is not none. */
export const percent = (share) => (share > 0 && share < 0.001 ? '< 0.1%' : share < 1 && share > 0.999 ? '> 99.9%' : `${(100 * share).toFixed(1)}%`);

/** Bytes in the unit that leaves two to four digits. */
export const bytes = (count) => (count < 1e4 ? `${number(count)} B` : count < 1e6 ? `${number(count / 1e3)} KB` : count < 1e9 ? `${number(count / 1e6)} MB` : `${number(count / 1e9)} GB`);
