// SPDX-License-Identifier: Apache-2.0
// Calls a usbhostd whose answers the test knows, and prints one line for each call: CASE RESULT.
//
// calls.mjs FOLDER-OF-usbhost.js FOLDER-OF-usbhostd.proto TARGET AUTHORITY-OR-EMPTY [CA CERTIFICATE KEY]
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [folder, api, target, authority, ...paths] = process.argv.slice(2);
const { UsbHost, credentials, grpc, protoLoader } = await import(pathToFileURL(`${folder}/usbhost.js`));
const [ca, certificate, key] = paths.map(path => readFileSync(path));
const tls = ca && { ca, certificate, key };
const options = authority ? { 'grpc.default_authority': authority } : {};
const host = new UsbHost(api, target, tls, options);
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

// What every gRPC server is asked, by the same library: health, and the contract itself over a stream both ways.
const files = ['grpc/health/v1/health.proto', 'grpc/reflection/v1/reflection.proto'];
const definition = protoLoader.loadSync(files, { includeDirs: [`${api}/standard`], keepCase: true, oneofs: true });
const standard = grpc.loadPackageDefinition(definition).grpc;
const health = new standard.health.v1.Health(target, credentials(tls), options);
const check = service => new Promise((resolve, reject) => health.Check({ service }, (error, answer) => error ? reject(error) : resolve(answer)));
const unknown = await failure(check('x'));
said('health', (await check('usbhostd.v1.UsbHost')).status, grpc.status[unknown.code]);
const reflector = new standard.reflection.v1.ServerReflection(target, credentials(tls), options);
const reflection = reflector.ServerReflectionInfo();
reflection.end({ list_services: '*' });
const services = [];
for await (const answer of reflection) services.push(...answer.list_services_response.service.map(service => service.name));
said('reflection', ...services);
health.close();
reflector.close();

const endless = host.watch({ claim_id: 'endless' });
const events = endless[Symbol.asyncIterator]();
const first = await events.next();
endless.cancel();
said('cancel', first.value.claim.id, grpc.status[(await failure(events.next())).code]);

// Many at once over one connection.
const answers = await Promise.all(Array.from({ length: 20 }, () => host.call('GetVersion', {}, PATIENCE)));
said('parallel', answers.length);
host.close();
