// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;

namespace UsbHostd.Policy.Identity;

/// <summary><c>a</c> and 12 lower-case base32 digits of a hash of what an answer follows, for example <c>amzxw6ytboi2e</c>.</summary>
public readonly record struct AnswerId
{
    private readonly string? text;

    private AnswerId(string text) => this.text = text;

    /// <param name="key">By serial where that tells devices apart, else by port.</param>
    /// <param name="id">Of the device: another one in the same port has an answer of its own.</param>
    public static AnswerId Of(DeviceKey key, UsbId id) => new(Base32.NameOf('a', $"{key.Text}\n{id}"));

    public static bool TryParse([NotNullWhen(true)] string? text, out AnswerId id)
    {
        var ok = Base32.IsName('a', text);
        id = ok ? new AnswerId(text!) : default;
        return ok;
    }

    public static AnswerId Parse(string text) =>
        TryParse(text, out var id) ? id : throw new FormatException($"not an answer's id (a and 12 base32 digits): {text}");

    public override string ToString() => text ?? "";
}
