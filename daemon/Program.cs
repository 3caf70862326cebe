// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Daemon;

return await DaemonProgram.RunAsync(args).ConfigureAwait(false);
