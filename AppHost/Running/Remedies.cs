namespace LlmAspire.AppHost.Running;

/// <summary>What to do about failures that say themselves what they are. Each is told by words of the resource's log or of its health.</summary>
internal static class Remedies
{
    private const string Default = "Correct what that says, then start again.";

    /// <summary>The remedy for a resource that failed or does not become healthy.</summary>
    /// <param name="resource">The resource.</param>
    /// <param name="text">Its last lines and what its health says.</param>
    public static string Find(IResource resource, string text)
    {
        if (resource is not ContainerResource)
        {
            return Default;
        }

        if (text.Contains("password authentication failed", StringComparison.Ordinal))
        {
            var volume = resource.Annotations.OfType<ContainerMountAnnotation>().FirstOrDefault(mount => mount.Type == ContainerMountType.Volume)?.Source;
            return $"The volume was made with another password. Set it: dotnet user-secrets --project AppHost set Parameters:{resource.Name}-password …, "
                + $"or remove the volume with all its data: docker volume rm {volume}";
        }

        return resource.TryGetContainerImageName(out var image)
            ? $"See whether its image can be had: docker pull {image}. Stack:Mode=embedded needs no containers."
            : Default;
    }
}
