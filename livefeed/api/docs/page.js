// Shows the two interface documents. Everything is written as text, never as markup.

const METHODS = ["get", "put", "post", "patch", "delete"];

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function nameOf(reference) {
  return reference.split("/").pop();
}

function typeOf(schema) {
  if (!schema || Object.keys(schema).length === 0) return ["anything"];
  if (schema.$ref) {
    const name = nameOf(schema.$ref);
    return [element("a", { href: `#shape-${name}` }, name)];
  }
  const either = schema.anyOf || schema.oneOf;
  if (either && !schema.type) return either.flatMap((one, index) => (index ? [" or ", ...typeOf(one)] : typeOf(one)));
  if ("const" in schema) return [JSON.stringify(schema.const)];
  if (schema.enum) return [schema.enum.map((value) => JSON.stringify(value)).join(" | ")];
  if (schema.type === "array") return ["list of ", ...typeOf(schema.items)];
  return [[schema.type].flat().join(" or "), ...limits(schema)];
}

function limits(schema) {
  const said = [];
  if (schema.format) said.push(schema.format);
  if (schema.minimum !== undefined || schema.maximum !== undefined) {
    said.push(`${schema.minimum ?? ""} … ${schema.maximum ?? ""}`);
  }
  if (schema.maxLength !== undefined) said.push(`at most ${schema.maxLength} characters`);
  return said.length ? [` (${said.join(", ")})`] : [];
}

function table(headings, rows) {
  const head = element("tr", {}, ...headings.map((heading) => element("th", { scope: "col" }, heading)));
  const body = rows.map((cells) => element("tr", {}, ...cells.map((cell) => element("td", {}, ...[cell].flat()))));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
}

function fields(schema) {
  const required = new Set(schema.required || []);
  return table(
    ["Name", "Type", "Meaning"],
    Object.entries(schema.properties).map(([name, field]) => [
      [element("code", {}, name), required.has(name) ? " required" : ""],
      typeOf(field),
      field.description || "",
    ]),
  );
}

function shape(schema) {
  const parts = [];
  if (schema.description) parts.push(element("p", {}, schema.description));
  if (schema.properties) parts.push(fields(schema));
  else parts.push(element("p", {}, ...typeOf(schema)));
  for (const one of schema.anyOf || []) if (one.properties) parts.push(fields(one));
  return parts;
}

function bodies(content) {
  return Object.entries(content || {}).flatMap(([type, { schema }]) => [
    element("p", {}, element("code", {}, type), " ", ...(schema ? typeOf(schema) : [])),
  ]);
}

function operation(path, method, described, shared) {
  const parts = [];
  const parameters = [...shared, ...(described.parameters || [])];
  if (parameters.length) {
    parts.push(element("h3", {}, "Parameters"));
    parts.push(
      table(
        ["Name", "In", "Type", "Meaning"],
        parameters.map((one) => [element("code", {}, one.name), one.in, typeOf(one.schema), one.description || ""]),
      ),
    );
  }
  if (described.requestBody) parts.push(element("h3", {}, "Body"), ...bodies(described.requestBody.content));
  parts.push(element("h3", {}, "Answers"));
  parts.push(
    table(
      ["Status", "Meaning", "Body"],
      Object.entries(described.responses).map(([status, answer]) => [status, answer.description, bodies(answer.content)]),
    ),
  );
  return fold(
    [element("span", { class: "method" }, method.toUpperCase()), element("code", {}, path), " "],
    described.summary,
    parts,
  );
}

function fold(title, saying, parts, id) {
  const summary = element("summary", {}, ...title, " ", element("span", { class: "say" }, saying || ""));
  return element("details", id ? { id } : {}, summary, element("div", {}, ...parts));
}

function channel(described, messages) {
  const rows = Object.keys(described.messages).map((name) => [
    element("code", {}, name),
    typeOf(messages[name].payload),
    messages[name].summary,
  ]);
  const parts = [element("p", {}, described.description), table(["Message", "Shape", "Meaning"], rows)];
  return fold([element("code", {}, described.address)], described.title, parts);
}

async function read(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return response.json();
}

function show(http, live) {
  document.getElementById("version").textContent = `version ${http.info.version}`;
  const operations = Object.entries(http.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => operation(path, method, item[method], item.parameters || [])),
  );
  document.getElementById("operations").replaceChildren(...operations);
  const channels = Object.values(live.channels).map((one) => channel(one, live.components.messages));
  document.getElementById("channels").replaceChildren(...channels);
  const schemas = Object.entries({ ...http.components.schemas, ...live.components.schemas });
  const shapes = schemas.map(([name, schema]) => fold([element("code", {}, name)], "", shape(schema), `shape-${name}`));
  document.getElementById("schemas").replaceChildren(...shapes);
}

function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) {
    target.hidden = false;
    target.open = true;
    target.scrollIntoView();
  }
}

function filter(words) {
  const wanted = words.toLowerCase();
  for (const one of document.querySelectorAll("details")) one.hidden = !one.textContent.toLowerCase().includes(wanted);
}

try {
  show(...(await Promise.all([read("openapi.json"), read("asyncapi.json")])));
} catch (error) {
  document.querySelector("main").prepend(element("p", { role: "alert" }, `The documents cannot be read: ${error.message}`));
}
document.getElementById("find").addEventListener("input", (event) => filter(event.target.value));
addEventListener("hashchange", openTarget);
openTarget();
