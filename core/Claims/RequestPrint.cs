// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Core.Claims;

/// <summary>What a client's request said, for telling its repetition from another request with its id.</summary>
/// <param name="Device">As it was written.</param>
/// <param name="Digest">Of all else: <c>r</c> and 12 base32 digits.</param>
public sealed record RequestPrint(string Device, string Digest);
