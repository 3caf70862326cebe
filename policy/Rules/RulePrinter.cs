namespace UsbHostd.Policy.Rules;

/// <summary>The canonical text of a rule: parsing it gives the same rule.</summary>
public static class RulePrinter
{
    public static string Print(Rule rule) => throw new NotSupportedException(rule.ToString());
}
