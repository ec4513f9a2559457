// The workbook that shows both logs. It is found in the portal under Workbooks of the workspace.
param workspaceId string
param location string
param tags object

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(workspaceId, 'crosstenant')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Crosstenant'
    description: 'Who is provisioned where, how fast, what failed, and what waits for a person.'
    category: 'workbook'
    sourceId: workspaceId
    version: '1.0'
    // The file names no resource, so that it fits every installation; the workspace is put in here.
    serializedData: replace(
      loadTextContent('../workbooks/crosstenant.workbook.json'),
      'LOG_ANALYTICS_WORKSPACE_ID',
      workspaceId
    )
  }
}

output id string = workbook.id
