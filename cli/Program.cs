using UsbHostd.Cli;

return await new CommandLine(CliTerminal.OfProcess()).RunAsync(args);
