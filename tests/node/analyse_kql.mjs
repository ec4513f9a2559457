// Parses and analyses KQL with Microsoft's own language service. Reads {tables: {name: columns}, queries: {name: text}}
// from standard input, where columns are as KQL declares them: "TimeGenerated: datetime, Kind: string". Writes
// {name: {faults: [{code, message, at}], columns: [[name, type]]}}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import vm from "node:vm";

// The package's files are scripts that put their names into the global scope; loading it as a module sets none.
const folder = dirname(createRequire(import.meta.url).resolve("@kusto/language-service-next/package.json"));
for (const script of ["bridge.min.js", "Kusto.Language.Bridge.min.js"]) {
  vm.runInThisContext(readFileSync(join(folder, script), "utf8"), { filename: script });
}
const { Kusto, System } = globalThis;
const { Symbols } = Kusto.Language;

const listOf = (type, values) => {
  const list = new (System.Collections.Generic.List$1(type).ctor)();
  values.forEach((value) => list.add(value));
  return list;
};
const arrayOf = (array) =>
  Array.from({ length: System.Array.getCount(array) }, (_, index) => System.Array.getItem(array, index));

const { tables, queries } = JSON.parse(readFileSync(0, "utf8"));
const symbols = Object.entries(tables).map(([name, columns]) =>
  Symbols.TableSymbol.From(`(${columns})`).WithName(name),
);
const database = new Symbols.DatabaseSymbol.$ctor1("workspace", listOf(Symbols.Symbol, symbols));
const cluster = new Symbols.ClusterSymbol.$ctor1("cluster", listOf(Symbols.DatabaseSymbol, [database]));
const globals = Kusto.Language.GlobalState.Default.WithCluster(cluster).WithDatabase(database);

const analysed = {};
for (const [name, text] of Object.entries(queries)) {
  const code = Kusto.Language.KustoCode.ParseAndAnalyze(text, globals);
  analysed[name] = {
    faults: arrayOf(code.GetDiagnostics()).map((fault) => ({
      severity: fault.Severity,
      code: fault.Code,
      message: fault.Message,
      at: text.slice(fault.Start, fault.Start + fault.Length),
    })),
    columns: code.ResultType?.Columns ? arrayOf(code.ResultType.Columns).map((c) => [c.Name, c.Type.Name]) : [],
  };
}
process.stdout.write(JSON.stringify(analysed));
