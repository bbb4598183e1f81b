namespace LlmAspire.Api.Identity.External;

/// <summary>Thrown when a token cannot be checked, because the OpenID Connect provider does not answer.</summary>
internal sealed class ProviderAwayException(Exception inner) : Exception("The OpenID Connect provider does not answer.", inner);
