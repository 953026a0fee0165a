/**
 * @param {string} text
 * @param {{ state?: string, number?: boolean, header?: boolean }} looks
 */
export function cell(text, looks = {}) {
  return { text, ...looks };
}

/**
 * Rows keep their elements from one filling to the next, so that nothing flickers and a selection stays.
 *
 * @param {HTMLTableSectionElement} body
 * @param {{ key: string, cells: ReturnType<typeof cell>[] }[]} rows
 */
export function fillRows(body, rows) {
  const old = new Map([...body.rows].map((row) => [row.dataset.key, row]));
  const wanted = rows.map(({ key, cells }) => {
    const row = old.get(key) ?? newRow(key, cells);
    cells.forEach((content, index) => fill(row.cells[index], content));
    return row;
  });
  const same = wanted.length === body.rows.length && wanted.every((row, index) => row === body.rows[index]);
  if (!same) body.replaceChildren(...wanted);
}

function newRow(key, cells) {
  const row = document.createElement('tr');
  row.dataset.key = key;
  for (const { header, number } of cells) {
    const element = document.createElement(header ? 'th' : 'td');
    if (header) element.scope = 'row';
    if (number) element.className = 'number';
    row.append(element);
  }
  return row;
}

function fill(element, { text, state }) {
  if (element.textContent !== text) element.textContent = text;
  if (state && element.dataset.state !== state) element.dataset.state = state;
}
