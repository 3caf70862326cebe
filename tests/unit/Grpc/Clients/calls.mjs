// Calls a usbhostd whose answers the test knows, and prints one line for each call: CASE RESULT.
//
// calls.mjs FOLDER-OF-usbhost.js FOLDER-OF-usbhostd.proto TARGET AUTHORITY-OR-EMPTY [CA CERTIFICATE KEY]
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [folder, api, target, authority, ...files] = process.argv.slice(2);
const { UsbHost, grpc } = await import(pathToFileURL(`${folder}/usbhost.js`));
const [ca, certificate, key] = files.map(path => readFileSync(path));
const host = new UsbHost(api, target, ca && { ca, certificate, key }, authority ? { 'grpc.default_authority': authority } : {});
const PATIENCE = 60;

const said = (...words) => console.log(words.join(' '));
const failure = async call => {
  try {
    await call;
  } catch (error) {
    return error;
  }
};

said('unary', (await host.call('GetVersion', {}, PATIENCE)).daemon);
said('devices', (await host.call('ListDevices', {}, PATIENCE)).devices.length);
const ids = [];
for await (const event of host.watch({ claim_id: 'three' })) ids.push(event.claim.id);
said('watch', ...ids);
said('deadline', grpc.status[(await failure(host.call('GetHealth', {}, 0.2))).code]);

const refused = await failure(host.call('GetDevice', {}, PATIENCE));
const { ErrorDetail, ErrorInfo, Help } = host.details(refused);
said('refused', grpc.status[refused.code], refused.details);
said('detail', ErrorDetail.hint, ...ErrorDetail.candidates.map(device => device.id));
said('info', ErrorInfo.domain, ErrorInfo.reason, ErrorInfo.metadata.candidates);
said('help', ...Help.links.map(link => link.url));

const endless = host.watch({ claim_id: 'endless' });
const events = endless[Symbol.asyncIterator]();
const first = await events.next();
endless.cancel();
said('cancel', first.value.claim.id, grpc.status[(await failure(events.next())).code]);

// Many at once over one connection.
const answers = await Promise.all(Array.from({ length: 20 }, () => host.call('GetVersion', {}, PATIENCE)));
said('parallel', answers.length);
host.close();
