using UsbHostd.Daemon;

return await DaemonProgram.RunAsync(args).ConfigureAwait(false);
