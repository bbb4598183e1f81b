using System.Reflection;

namespace LlmAspire.AppHost.Tests;

/// <summary>What runs the AppHost under test.</summary>
internal static class Orchestrator
{
    public static bool IsEmbedded { get; } = typeof(Projects.AppHost).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == "Orchestrator").Value == "embedded";
}
