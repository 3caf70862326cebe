namespace UsbHostd.Daemon.Rules;

/// <summary>The rules can't be taken; each problem says where, what was found and what was expected.</summary>
internal sealed class RulesException(IReadOnlyList<string> problems) : Exception(string.Join('\n', problems))
{
    public IReadOnlyList<string> Problems { get; } = problems;
}
