// Verifies a proof file with the npm package @sigstore/verify, which knows nothing of this registry.
//
//   node check.js PACKAGE KEY PROOF ENTRY   exits with 0 if the entry stands in the log
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const crypto = require('node:crypto');

const [where, key, proofFile, entryFile] = process.argv.slice(2);
const { verifyCheckpoint } = require(path.join(where, 'dist', 'tlog', 'checkpoint.js'));
const { verifyMerkleInclusion } = require(path.join(where, 'dist', 'tlog', 'merkle.js'));

const [name, id, encoded] = key.split('+').length === 3 ? key.split('+') : key.split(/\+(.*?)\+(.*)/);
const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(encoded, 'base64').subarray(1)]);
const log = {
  logID: Buffer.from(id, 'hex'),
  baseURL: name,
  publicKey: crypto.createPublicKey({ key: spki, format: 'der', type: 'spki' }),
};

const text = fs.readFileSync(proofFile, 'utf8');
const parted = text.indexOf('\n\n');
const lines = text.slice(0, parted).split('\n');
const entry = {
  canonicalizedBody: fs.readFileSync(entryFile),
  inclusionProof: {
    logIndex: lines[1].replace('index ', ''),
    hashes: lines.slice(2).map((line) => Buffer.from(line, 'base64')),
    checkpoint: { envelope: text.slice(parted + 2) },
  },
};
verifyMerkleInclusion(entry, verifyCheckpoint(entry, [log]));
