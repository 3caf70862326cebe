using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace UsbHostd.Cli;

/// <summary>The usual help, and below it what the exit codes mean.</summary>
internal sealed class HelpWithExitCodes(HelpAction help) : SynchronousCommandLineAction
{
    private const string Epilogue = """
        Exit codes:
           0  done
           1  an error that has no number of its own
           2  the command line, or a value in it, is wrong
           3  no such device, guest or claim
           4  more than one device matches
           5  not permitted, or not allowed by the policy
           6  another guest, or somebody else's attachment, has the device
           7  the host uses the device, or it is a hub
           8  the guest can't take it: controller, port, speed, mode or state
           9  usbhostd or libvirt can't be reached
          10  the time allowed is over
          11  the daemon's database can't take more
          12  the claim stands, but is held or failed, or has ended
        """;

    public override int Invoke(ParseResult parseResult)
    {
        var result = help.Invoke(parseResult);
        parseResult.InvocationConfiguration.Output.WriteLine(Epilogue);
        return result;
    }
}
