// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Cli;

return await new CommandLine(CliTerminal.OfProcess()).RunAsync(args);
