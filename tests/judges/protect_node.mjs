// An application in Node, which protects data by the TypeScript client as it is built (web/protect/dist). Reads one JSON object on standard
// input, writes one on standard output.
//   node protect_node.mjs ACT   {settings, alg, kid, pem, user, groups, …}

import { createReadStream, createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { text } from 'node:stream/consumers';
import { Application, ProtectError, readSigningKey, Session } from '../../web/protect/dist/protect.js';

const read = (path) => Readable.toWeb(createReadStream(path));
const write = (stream, path) => pipeline(Readable.fromWeb(stream), createWriteStream(path));
const utf8 = (bytes) => new TextDecoder().decode(bytes);

/** Moments are texts in JSON. */
const dated = (take) => (take?.expires ? { ...take, expires: new Date(take.expires) } : take);

const acts = {
  protectField: async (user, { text, about }) => ({ field: await user.protectField(text, about) }),
  openField: async (user, { field }) => ({ text: utf8(await user.openField(field)) }),
  rewriteField: async (user, { field, text }) => ({ field: await user.rewriteField(field, text) }),
  protectMany: async (user, { fields }) => ({ fields: await user.protectFields(fields) }),
  openMany: async (user, { fields }) => {
    const opened = await user.openFields(fields);
    return { texts: opened.map((one) => (one instanceof ProtectError ? { code: one.code } : utf8(one))) };
  },
  // One key, several texts: what a database column of one person would be.
  protectFields: async (user, { texts }) => {
    const key = await (await user.create()).forFields();
    const fields = [];
    for (const one of texts) fields.push(await key.seal(one));
    return { fields };
  },
  // As a browser and its server do: the server signs and carries, the session is elsewhere.
  protectFieldElsewhere: async (user, { text }) => {
    const session = await Session.draw();
    const carried = JSON.parse(JSON.stringify(await user.createFor(session.publicKey)));
    const key = await (await session.open(carried)).forFields();
    return { field: await key.seal(text) };
  },
  protectFile: async (user, { from, to, name }) => {
    const { datum, envelope } = await user.protectFile(read(from), { name, type: 'application/pdf' }, { tags: ['2026'] });
    await write(envelope, to);
    return { datum };
  },
  openFile: async (user, { from, to }) => {
    const { datum, name, type, content } = await user.openFile(read(from));
    await write(content, to);
    return { datum, name, type };
  },
  protectContent: async (user, { from, to, name, about }) => {
    const { datum, content } = await user.protectContent(read(from), { name, type: 'application/pdf' }, about);
    await write(content.stream(), to);
    return { datum };
  },
  openContent: async (user, { from, to }) => {
    const { datum, name, type, content } = await user.openContent(read(from));
    await write(new Blob([content]).stream(), to);
    return { datum, name, type };
  },
  operations: async (user, { datum, list }) => {
    const said = [];
    for (const [name, ...takes] of list) said.push(await user[name](datum, ...takes.map(dated)));
    return { said };
  },
};

const { settings, alg, kid, pem, user, groups = [], ...takes } = JSON.parse(await text(process.stdin));
try {
  const application = new Application({ ...settings, key: await readSigningKey(alg, kid, pem) });
  const said = await acts[process.argv[2]](application.as(user, groups), takes);
  process.stdout.write(JSON.stringify(said));
} catch (error) {
  if (!(error instanceof ProtectError)) throw error;
  process.stdout.write(JSON.stringify({ code: error.code, fault: error.fault, passing: error.passing }));
}
