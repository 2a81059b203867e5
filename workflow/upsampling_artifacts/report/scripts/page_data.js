// Numbers that Python wrote into the page: <script type="application/json" id="NAME-data">.
function pageData(name) {
  return JSON.parse(document.getElementById(`${name}-data`).textContent);
}
