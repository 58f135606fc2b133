// Analyses queries with Microsoft's parser of the Kusto Query Language, for tests/infra/kusto/parser.py.
//
// On standard input: {"tables": {name: schema}, "queries": [text]}. On standard output, for each of the
// queries: {"faults": [message], "columns": {name: type}}, the columns being those of its result.

'use strict';

const fs = require('node:fs');
const path = require('node:path');

const folder = process.argv[2];
// They are no modules: they define the names Bridge, System and Kusto for everybody.
require(path.join(folder, 'bridge.min.js'));
require(path.join(folder, 'Kusto.Language.Bridge.min.js'));

const { GlobalState, KustoCode } = Kusto.Language;
const { DatabaseSymbol, TableSymbol } = Kusto.Language.Symbols;

const items = (list) => Array.from({ length: list.Count }, (_, at) => list.getItem(at));

function knowing(tables) {
  const symbols = Object.entries(tables).map(([name, schema]) => TableSymbol.From(schema).WithName(name));
  return GlobalState.Default.WithDatabase(new DatabaseSymbol.ctor('workspace', symbols));
}

function analysed(query, globals) {
  const code = KustoCode.ParseAndAnalyze(query, globals);
  const columns = code.ResultType?.Columns;
  return {
    faults: items(code.GetDiagnostics()).map((found) => `${found.Severity}: ${found.Message}`),
    columns: Object.fromEntries(columns ? items(columns).map(({ Name, Type }) => [Name, Type.Name]) : []),
  };
}

const { tables, queries } = JSON.parse(fs.readFileSync(0, 'utf8'));
const globals = knowing(tables);
process.stdout.write(JSON.stringify(queries.map((query) => analysed(query, globals))));
