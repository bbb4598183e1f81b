using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace LlmAspire.Api.Identity.Data;

/// <summary>Random secrets of keys and links, and how they are stored.</summary>
internal static class Secrets
{
    /// <summary>256 random bits, as 43 characters that need no escape in a URL.</summary>
    public static string Create() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    /// <summary>
    /// SHA-256. A slow hash protects what people think up; nobody tries 2^256 secrets, and each request with a key needs this one.
    /// </summary>
    public static byte[] Hash(string secret) => SHA256.HashData(Encoding.UTF8.GetBytes(secret));
}
