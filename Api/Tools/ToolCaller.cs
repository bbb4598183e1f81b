namespace LlmAspire.Api.Tools;

/// <summary>For whom a tool is called. A tool's method takes it as a parameter, which the model neither sees nor sets.</summary>
public sealed record ToolCaller(Guid UserId, Guid OrgId);
