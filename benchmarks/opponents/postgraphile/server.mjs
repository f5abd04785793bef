// PostGraphile 5 as one process: `node server.mjs`, with DATABASE_URL, PRINCIPAL (the JSON of knelpunt.principal) and
// CONNECTIONS in the environment. It prints its port when it listens.
import { createServer } from "node:http";
import { postgraphile } from "postgraphile";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { makePgService } from "postgraphile/adaptors/pg";
import { PgSimplifyInflectionPreset } from "@graphile/simplify-inflection";

const pgSettings = { role: "knelpunt_reader", "knelpunt.principal": process.env.PRINCIPAL };

const preset = {
  extends: [PostGraphileAmberPreset, PgSimplifyInflectionPreset],
  pgServices: [
    makePgService({
      connectionString: process.env.DATABASE_URL,
      schemas: ["bench"],
      poolConfig: { max: Number(process.env.CONNECTIONS) },
    }),
  ],
  // Lists and no connections, which cost less; nothing is written, so that there are no mutations to build.
  schema: { defaultBehavior: "-connection +list -insert -update -delete", pgOmitListSuffix: true },
  grafserv: { graphqlPath: "/graphql", graphiql: false, watch: false },
  grafast: { context: () => ({ pgSettings }), explain: false },
};

const pgl = postgraphile(preset);
const serv = pgl.createServ(grafserv);
const server = createServer();
server.on("error", (error) => {
  throw error;
});
await serv.addTo(server);
await serv.ready?.();
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
