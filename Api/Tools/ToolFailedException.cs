namespace LlmAspire.Api.Tools;

/// <summary>A tool could not do what it was asked for. Of any other exception the model hears nothing but that there was one.</summary>
/// <param name="message">What the model is told: what is wrong with its call, or that trying again makes no sense. No secrets.</param>
public sealed class ToolFailedException(string message, Exception? innerException = null) : Exception(message, innerException);
