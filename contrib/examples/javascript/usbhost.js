#!/usr/bin/node
// SPDX-License-Identifier: Apache-2.0
// A client of usbhostd in JavaScript, without generated code: it reads the contract as it is written, api/usbhostd.proto.
//
// Needs nodejs 18 or later, and once: npm ci
//
//     usbhost.js FOLDER-OF-usbhostd.proto unix:/run/usbhostd/api.sock devices
//     usbhost.js FOLDER-OF-usbhostd.proto unix:/run/usbhostd/api.sock watch
//     usbhost.js FOLDER-OF-usbhostd.proto unix:/run/usbhostd/api.sock claim usb:0951:1666 GUEST
//
// A usbhostd on another host is HOST:PORT, with --tls-ca, --tls-certificate and --tls-key, each a file in PEM.
import { readFileSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

export { grpc, protoLoader };

const FILES = ['usbhostd.proto', 'google/rpc/status.proto', 'google/rpc/error_details.proto'];

// What is in TLS: { ca, certificate, key }, each the bytes of a PEM file.
export function credentials(tls) {
  return tls ? grpc.credentials.createSsl(tls.ca, tls.key ?? null, tls.certificate ?? null) : grpc.credentials.createInsecure();
}

export class UsbHost {
  constructor(api, target, tls, options = {}) {
    // Names as in the contract; an enum's values by name; 64 bits as text, for a number of JavaScript has 53.
    this.definition = protoLoader.loadSync(FILES, { includeDirs: [api], keepCase: true, enums: String, longs: String, defaults: true, oneofs: true });
    const { usbhostd } = grpc.loadPackageDefinition(this.definition);

    // An inventory may be larger than the 4 MiB that grpc-js takes unless told otherwise.
    this.service = new usbhostd.v1.UsbHost(target, credentials(tls), { 'grpc.max_receive_message_length': 64 << 20, ...options });
  }

  // The answer of a method that gives one. Throws grpc-js's error, whose details are what detail() reads.
  call(method, request = {}, seconds = 10) {
    return new Promise((resolve, reject) => this.service[method](
      request, { deadline: Date.now() + seconds * 1000 }, (error, answer) => error ? reject(error) : resolve(answer)));
  }

  // A stream of events, for await; cancel() ends it.
  watch(request = {}) {
    return this.service.Watch(request);
  }

  // Everything that an error says besides its message, by type: ErrorDetail (code, message, hint, what stands in the way), and
  // google.rpc's ErrorInfo and Help.
  details(error) {
    const [packed] = error.metadata?.get('grpc-status-details-bin') ?? [];
    const known = {};
    for (const any of packed ? this.definition['google.rpc.Status'].deserialize(packed).details : []) {
      const name = any.type_url.slice(any.type_url.lastIndexOf('/') + 1);
      if (name in this.definition) known[name.slice(name.lastIndexOf('.') + 1)] = this.definition[name].deserialize(any.value);
    }
    return known;
  }

  close() {
    this.service.close();
  }
}

// A device says of itself what it likes: no control characters on the terminal.
const shown = text => JSON.stringify(text).replace(/[^ -~]/g, c => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'));

async function main([api, target, verb, ...rest], tls) {
  const host = new UsbHost(api, target, tls);
  try {
    if (verb === 'devices') {
      const { devices } = await host.call('ListDevices');
      for (const d of devices) console.log(d.id, `${d.vendor_id}:${d.product_id}`, shown(d.product_name));
    } else if (verb === 'watch') {
      for await (const event of host.watch()) {
        const found = event[event.object];
        console.log(event.type, event.object ?? '-', found?.id ?? found?.uuid ?? '');
      }
    } else {
      const [device, guest] = rest;
      console.log((await host.call('CreateClaim', { device, guest })).id);
    }
  } catch (error) {
    console.error(error.details ?? error.message);
    const { ErrorDetail, ErrorInfo } = host.details(error);
    if (ErrorInfo) console.error(ErrorInfo.reason, ErrorDetail?.hint ?? '');
    process.exitCode = 1;
  } finally {
    host.close();
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const file = { type: 'string' };
  const { values, positionals } = parseArgs({
    allowPositionals: true, options: { 'tls-ca': file, 'tls-certificate': file, 'tls-key': file },
  });
  const [, , verb, ...rest] = positionals;
  if ({ devices: 0, watch: 0, claim: 2 }[verb] !== rest.length) {
    console.error('usage: usbhost.js FOLDER TARGET devices | watch | claim DEVICE GUEST, see the beginning of the file');
    process.exitCode = 2;
  } else {
    const read = path => path === undefined ? undefined : readFileSync(path);
    const tls = values['tls-ca'] && { ca: read(values['tls-ca']), certificate: read(values['tls-certificate']), key: read(values['tls-key']) };
    await main(positionals, tls);
  }
}
