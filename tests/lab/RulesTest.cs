// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework.Interfaces;
using UsbHostd.Api.V1;

namespace UsbHostd.Lab;

/// <summary>A scenario with rules of its own; afterwards everything is allowed again.</summary>
public abstract class RulesTest : DaemonTest
{
    /// <summary>The file whose rules a scenario writes.</summary>
    protected const string Lab = "/etc/usbhostd/rules.d/50-lab.conf";

    private const string Main = "/etc/usbhostd/rules.conf";

    /// <summary>Puts these rules in force, and no others.</summary>
    protected static async Task RulesAsync(string file, string text)
    {
        await WriteAsync(Main, "# none here\n");
        await WriteAsync(file, text);
        await Api.CallAsync<ReloadPolicyResponse>("ReloadPolicy", new ReloadPolicyRequest());
    }

    /// <summary>Replaces a file at once, as an editor does it: nobody reads half of it.</summary>
    protected static Task<string> WriteAsync(string file, string text) => Host.DoAsync($"""
        cat >{file}.new <<'RULES'
        {text.TrimEnd('\n')}
        RULES
        chmod 644 {file}.new; mv {file}.new {file}
        """);

    protected override async Task CleanUpAsync()
    {
        await Host.DoAsync($"rm -f {Lab}; echo allow >{Main}.new; mv {Main}.new {Main}");
        if (TestContext.CurrentContext.Result.Outcome.Status != TestStatus.Failed)
        {
            await Api.CallAsync<ReloadPolicyResponse>("ReloadPolicy", new ReloadPolicyRequest());
        }

        await base.CleanUpAsync();
    }
}
